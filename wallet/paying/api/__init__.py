"""Paying at the customers' and the merchants' doors."""
