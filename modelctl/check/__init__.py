"""The validator: rules, the engine that runs them, and reports of what they found."""
