"""What bends the output of a layer, elementwise or over the channels."""
