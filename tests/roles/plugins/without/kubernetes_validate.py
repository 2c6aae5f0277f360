"""Stands before kubernetes-validate on the path of Ansible's modules, and is not there.

The Kubernetes client imports it where it is installed, and with it a parser of half of RFC 3987:
1.2 seconds in every task that asks the API. The tools that need it are installed beside Ansible
here; on an operator's machine they are not.
"""

raise ImportError(__doc__)
