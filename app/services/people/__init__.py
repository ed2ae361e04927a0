"""Members and staff: who somebody is, how they sign in, and who gives whom which role."""
