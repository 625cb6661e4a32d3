"""The migrations of the database, one file each in `versions`; `tamis.schema` runs them."""
