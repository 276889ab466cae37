"""The network as data: layers in one flat buffer."""
