"""The commands: one module each, named in `modelctl.__main__.COMMANDS`."""
