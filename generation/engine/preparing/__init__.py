"""Models that somebody publishes, brought onto this machine.

prepare        the whole of it, as `manage.py prepare_model` calls it
repository     what all publishers have in common; huggingface, modelscope
staging        what is finished when a run is interrupted
converting     weights from one number format to another
proof          one picture
"""
