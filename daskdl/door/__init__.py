"""The functions of `import daskdl as h2o`, one noun per module: cluster, tables, models, custom metrics, properties."""
