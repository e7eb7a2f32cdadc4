"""The pages: server-rendered, usable without scripts, in Chinese and English."""

from service.web.build import build_web

__all__ = ["build_web"]
