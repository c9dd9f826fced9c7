"""Make an updatable model: from a Keras file, from a frozen Core ML model, or from nothing."""
