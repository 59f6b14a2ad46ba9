"""What the portal does: harvest, validate, store, index, publish, and answer."""
