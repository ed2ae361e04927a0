"""The desks of voucher batches, from the draft to the print file and the stock."""
