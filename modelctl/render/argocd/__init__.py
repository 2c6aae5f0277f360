"""What Argo CD itself is given in an environment: its root, its settings, projects, namespaces."""
