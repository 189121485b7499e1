"""Grants: each is a class of Authlib's, whose deed is one function of ours in one transaction."""

from auth.oauth.api.grants.client_credentials import TillsGrant
from auth.oauth.api.grants.code import CodeGrant
from auth.oauth.api.grants.device import DeviceGrant
from auth.oauth.api.grants.exchange import ExchangeGrant
from auth.oauth.api.grants.refresh import RefreshGrant

#: In the order in which Authlib asks them whether they are meant: what comes most often first.
GRANTS = (RefreshGrant, CodeGrant, TillsGrant, DeviceGrant, ExchangeGrant)
