"""How the starter model is made: scenes, captions, training and evaluation. The site itself needs only `weights/`."""
