"""daskdl Flow: the browser's door to frames, models, grids and jobs; `h2o.flow()` and `daskdl flow` start it."""
