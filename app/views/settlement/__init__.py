"""Statements, their files and desk; closing periods; reconciling with WeChat."""
