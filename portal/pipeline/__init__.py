"""The main job in five stages: harvest, validate, store, index, publish."""
