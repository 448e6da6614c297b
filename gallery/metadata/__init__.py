"""What picture files say of themselves.

settings   what a picture was drawn with, whichever tool drew it: the way in
texts      the texts inside a PNG, JPEG or WebP file, with bounds
infotext   the `parameters` text, both directions
comfyui    the graph that ComfyUI writes
"""
