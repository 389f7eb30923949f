"""Networks: which modules are probed, what a module multiplies by, what feeds what, and the hooks that read it."""
