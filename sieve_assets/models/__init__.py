"""The three kinds of model, each behind one Protocol: target, vision_language, generator.

PIL images and text in, arrays and PIL images out. Knows no Dagster, no warehouse and no stage.
"""
