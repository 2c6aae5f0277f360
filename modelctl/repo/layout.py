"""Where everything lives in the repository: the one place that spells its paths."""

APPS = "apps"
ENVIRONMENTS = "argocd/environments.yaml"
PROJECTS = "argocd/projects"
APPLICATIONS = "argocd/applications"


def model_file(folder: str) -> str:
    """Path of a model's `model.yaml`."""
    return f"{APPS}/{folder}/model.yaml"


def release_file(folder: str, release: str) -> str:
    """Path of one release of a model."""
    return f"{APPS}/{folder}/releases/{release}.yaml"


def serving_file(folder: str, environment: str) -> str:
    """Path of the file that says what a model serves in an environment."""
    return f"{APPS}/{folder}/envs/{environment}.yaml"


def rendered_folder(folder: str, environment: str) -> str:
    """Folder of the Kubernetes objects rendered for a model in an environment."""
    return f"{APPS}/{folder}/rendered/{environment}"


def rendered_file(folder: str, environment: str, kind: str, name: str) -> str:
    """Path of one rendered Kubernetes object."""
    return f"{rendered_folder(folder, environment)}/{kind.lower()}-{name}.yaml"


def application_file(environment: str, folder: str) -> str:
    """Path of the generated Argo CD Application of a model in an environment."""
    return f"{APPLICATIONS}/{environment}/{folder}.yaml"


def project_file(environment: str, team: str) -> str:
    """Path of a team's AppProject in an environment."""
    return f"{PROJECTS}/{environment}/{team}.yaml"
