"""The routes by which an app signs its customer in."""
