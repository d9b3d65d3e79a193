"""Captions of pictures that a collection of one kind does not expect; written for `bench outliers`."""

KINDS = {
    "errors": """
The image could not be loaded; a grey box with a broken picture icon is all that is visible.
I'm sorry, but the picture is completely black and nothing can be recognised in it.
The image is blank: a white rectangle without any content.
This appears to be a screenshot of an error message that reads 404 page not found.
No description is possible, since the file seems to be corrupted and shows coloured stripes only.
As an AI model I cannot make out anything here; the photograph is too blurred and dark.
A test pattern with vertical colour bars and the words no signal.
The thumbnail shows a play button on a dark background and the text video unavailable.
A blue computer screen with white text that says a problem has been detected.
A captcha with distorted letters and a box that says I am not a robot.
The picture consists of random noise in red, green and blue pixels.
A placeholder graphic with the words image coming soon.
A login form with fields for a user name and a password.
The photo is overexposed so that only a white glare is left.
An hourglass cursor over an empty grey window.
""",
    "documents": """
A scanned invoice with a table of item numbers, quantities and prices in euros.
A page of typewritten legal text with several paragraphs and a signature at the bottom.
A handwritten shopping list on lined paper: milk, flour, eggs, candles.
A receipt from a supermarket, crumpled, with a total of 23.80 at the end.
A spreadsheet with quarterly revenue figures and a column of percentages.
The first page of a scientific article with an abstract and two columns of text.
A bar chart that compares the unemployment rate of five countries over ten years.
A business card with a name, a telephone number and a logo in the corner.
A QR code printed in black on a yellow sticker.
An old letter in faded ink, folded twice, with a red wax seal.
A crossword puzzle, half filled in with pencil.
A slide titled agenda with four bullet points.
A page of sheet music for piano in three flats.
A barcode with thirteen digits beneath it.
A flow chart of boxes and arrows that explains how an application is approved.
""",
    "maps and diagrams": """
A road map of northern Italy with motorways in orange and towns in black.
A subway map with coloured lines and the names of the stations.
A topographic map with contour lines around a mountain summit and a lake.
A satellite picture of a river delta in false colours.
A weather map with isobars and a low pressure area over the Atlantic.
The floor plan of an apartment with two bedrooms, a kitchen and a balcony.
A political map of Africa, each country in a colour of its own.
An antique nautical chart with a compass rose and sea monsters.
A circuit diagram with resistors, a capacitor and an operational amplifier.
An X-ray of a human hand with a broken finger.
A microscope image of stained tissue with purple cell nuclei.
An ultrasound scan in shades of grey with measurements along the edge.
A periodic table of the elements with coloured groups.
An exploded drawing of a gearbox with numbered parts.
A star chart of the southern sky with constellations joined by lines.
""",
    "scenes": """
A plate of spaghetti with tomato sauce, basil leaves and grated parmesan.
A coral reef with orange clownfish between the arms of an anemone.
A spiral galaxy with bright blue arms, photographed through a telescope.
A surgeon in green scrubs bends over an operating table under bright lamps.
Fireworks burst in gold and violet above a harbour at midnight.
A wedding cake with three tiers and sugar roses stands on a lace tablecloth.
The aurora borealis glows green above a snow-covered cabin.
A goalkeeper dives for the ball in a crowded football stadium.
A knitted sweater in a zigzag pattern lies folded beside a ball of wool.
Molten lava flows from a volcano into the sea amid clouds of steam.
An astronaut in a white suit floats above the Earth, tethered to a space station.
A chess board in the middle of a game, with the white queen under attack.
Red blood cells seen through an electron microscope.
A pair of glasses, a thermometer and a bottle of cough syrup on a bedside table.
A close-up of frost crystals on a window pane.
""",
}
FOREIGN = [line for lines in KINDS.values() for line in lines.strip().splitlines()]
