"""Files of data sets, read as they are published. Whatever is malformed is an `InputError` that says where."""
