"""Measurements that back claims about speed; each module is a program: python -m benchmarks.NAME."""
