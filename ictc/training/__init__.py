"""Training of what embeds and describes: resumable, each into a folder that is used as `trained:FOLDER`."""
