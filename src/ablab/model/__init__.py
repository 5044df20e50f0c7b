"""The model of a trial: components built into a LightningModule."""
