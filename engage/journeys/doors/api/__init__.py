"""How doors are asked over HTTP."""
