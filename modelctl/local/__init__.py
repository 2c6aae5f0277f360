"""Run an environment of the repository on this machine: real Envoy, real model servers."""
