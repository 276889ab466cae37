"""What moves a model's predictions: contributions of inputs, dependence on columns, and how both are shown."""
