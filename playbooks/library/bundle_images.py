"""Ansible module: images copied into a bundle, or from a bundle into a site's registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.modelctl_bundle import images
from ansible.module_utils.modelctl_bundle.faults import BundleError

DOCUMENTATION = r"""
module: bundle_images
short_description: Copy images into a bundle, or from it into a registry
description:
  - C(collected) copies each image by the digest that its registry names for it, with C(skopeo).
    Pinned images keep their bytes and every platform; of others one platform is copied.
    What is there stays, even where a tag has moved since.
  - C(pushed) copies every image of the bundle to C(registry/<its own registry>/<its path>).
options:
  path:
    description: Folder of the bundle.
    type: path
    required: true
  state:
    description: What to do.
    type: str
    choices: [collected, pushed]
    required: true
  images:
    description: Images to collect.
    type: list
    elements: str
    default: []
  architecture:
    description: Platform of images that are not pinned.
    type: str
    default: amd64
  registry:
    description: Registry, with or without a path, to push to.
    type: str
  tls_verify:
    description: Ask that registry over TLS and check its certificate.
    type: bool
    default: true
"""

RETURN = r"""
copied:
  description: Images that were (or would be) copied.
  returned: success
  type: list
images:
  description: Layout and digests of every image of the bundle.
  returned: success
  type: dict
"""

ARGUMENTS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["collected", "pushed"], "required": True},
    "images": {"type": "list", "elements": "str", "default": []},
    "architecture": {"type": "str", "default": "amd64"},
    "registry": {"type": "str"},
    "tls_verify": {"type": "bool", "default": True},
}


def skopeo_of(module: AnsibleModule, *options: str) -> images.Skopeo:
    """Run skopeo: `skopeo(subcommand, *words)` gives its output or raises BundleError."""
    program = module.get_bin_path("skopeo", required=True)

    def run(command: str, *words: str) -> bytes:
        argv = [program, command, *(o for o in options if _takes(command, o)), *words]
        code, output, errors = module.run_command(argv, encoding=None)
        if code:
            raise BundleError(
                f"skopeo {command} {words[-1]}",
                found=errors.decode(errors="replace").strip().splitlines()[-1],
                expected="the image",
                remedy="check the name, the network and skopeo's login, and run again",
            )
        return bytes(output)

    return run


def _takes(command: str, option: str) -> bool:
    """`copy` names the side that an option is for, `inspect` has one side only."""
    return option.startswith("--dest-") == (command == "copy")


def collected(module: AnsibleModule, root: Path) -> dict[str, Any]:
    """Copy what is missing; the list is written after each image, so that a run can go on."""
    wanted = images.references(module.params["images"])
    there = images.held(root)
    new = [image for image in wanted if str(image) not in there]
    if new and not module.check_mode:
        skopeo = skopeo_of(module)
        for image in new:
            there[str(image)] = images.collect(image, root, module.params["architecture"], skopeo)
            images.remember(there, root)
    return result(new, there)


def pushed(module: AnsibleModule, root: Path) -> dict[str, Any]:
    """Copy what the registry lacks."""
    verify = str(module.params["tls_verify"]).lower()
    skopeo = skopeo_of(module, f"--tls-verify={verify}", f"--dest-tls-verify={verify}")
    there, new = images.held(root), []
    for name, image in there.items():
        remote = images.target(images.reference(name), module.params["registry"])
        if images.is_pushed(image, remote, skopeo):
            continue
        new.append(images.reference(name))
        if not module.check_mode:
            images.push(image, root, remote, skopeo)
    return result(new, there)


def result(new: list[images.Reference], there: dict[str, images.Held]) -> dict[str, Any]:
    """What the module returns."""
    told = {name: vars(image) for name, image in sorted(there.items())}
    return {"changed": bool(new), "copied": list(map(str, new)), "images": told}


def main() -> None:
    """Run as Ansible calls it."""
    module = AnsibleModule(
        ARGUMENTS,
        supports_check_mode=True,
        required_if=[("state", "pushed", ("registry",))],
    )
    act = {"collected": collected, "pushed": pushed}[module.params["state"]]
    try:
        module.exit_json(**act(module, Path(module.params["path"])))
    except BundleError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
