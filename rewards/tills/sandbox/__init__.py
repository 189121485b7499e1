"""Sandboxes: where integrators build a till against the real thing, with people and money that are none (0024).

A sandbox is a merchant with two stores, a terminal, four customers and a campaign for each answer that a till must be
able to take. All its ids are of version 8, all its money is XTS; that alone keeps it apart, so that whatever a till can
ask works in it as it does in a shop.
"""
