"""How far a measure on other samples may lie from this one."""
