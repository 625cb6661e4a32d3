"""The filters, one file each, and the order in which they are asked (`tamis.filters.order`)."""
