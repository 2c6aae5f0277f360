"""How rows pass each operator: one function a behaviour, from a step to the values it gives."""
