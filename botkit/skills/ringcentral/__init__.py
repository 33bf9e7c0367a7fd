"""The parts of the RingCentral assistant: what can be asked and changed, and in which words."""
