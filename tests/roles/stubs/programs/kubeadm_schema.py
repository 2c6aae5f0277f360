"""Fields of kubeadm.k8s.io/v1beta4 and of the component configurations beside it."""

from typing import Any

# None: any value. {}: an object of any keys. A list: a list of that. "args": name/value pairs.
Json = Any
ARGS: list[Any] = [{"name": None, "value": None}]
VOLUMES = [{"name": None, "hostPath": None, "mountPath": None, "readOnly": None, "pathType": None}]
COMPONENT = {"extraArgs": ARGS, "extraVolumes": VOLUMES, "extraEnvs": [{}]}
TIMEOUTS = dict.fromkeys(
    (
        "controlPlaneComponentHealthCheck",
        "kubeletHealthCheck",
        "kubernetesAPICall",
        "etcdAPICall",
        "tlsBootstrap",
        "discovery",
        "upgradeManifests",
    )
)
NODE = {
    "name": None,
    "criSocket": None,
    "taints": [{"key": None, "value": None, "effect": None, "timeAdded": None}],
    "kubeletExtraArgs": ARGS,
    "ignorePreflightErrors": [None],
    "imagePullPolicy": None,
    "imagePullSerial": None,
}
ENDPOINT = {"advertiseAddress": None, "bindPort": None}
PATCHES = {"directory": None}
TOKEN = {
    "token": None,
    "description": None,
    "ttl": None,
    "expires": None,
    "usages": [None],
    "groups": [None],
}
ETCD = {
    "local": {
        "imageRepository": None,
        "imageTag": None,
        "dataDir": None,
        "extraArgs": ARGS,
        "extraEnvs": [{}],
        "serverCertSANs": [None],
        "peerCertSANs": [None],
    },
    "external": {"endpoints": [None], "caFile": None, "certFile": None, "keyFile": None},
}
DISCOVERY = {
    "bootstrapToken": {
        "token": None,
        "apiServerEndpoint": None,
        "caCertHashes": [None],
        "unsafeSkipCAVerification": None,
    },
    "file": {"kubeConfigPath": None},
    "tlsBootstrapToken": None,
}
UPGRADE = dict.fromkeys(
    (
        "kubernetesVersion",
        "allowExperimentalUpgrades",
        "allowRCUpgrades",
        "certificateRenewal",
        "dryRun",
        "etcdUpgrade",
        "forceUpgrade",
        "printConfig",
        "imagePullPolicy",
        "imagePullSerial",
    )
) | {"ignorePreflightErrors": [None], "patches": PATCHES, "skipPhases": [None]}
KUBELET = [
    "enableServer",
    "staticPodPath",
    "podLogsDir",
    "syncFrequency",
    "fileCheckFrequency",
    "httpCheckFrequency",
    "staticPodURL",
    "staticPodURLHeader",
    "address",
    "port",
    "readOnlyPort",
    "tlsCertFile",
    "tlsPrivateKeyFile",
    "tlsCipherSuites",
    "tlsMinVersion",
    "rotateCertificates",
    "serverTLSBootstrap",
    "authentication",
    "authorization",
    "registryPullQPS",
    "registryBurst",
    "imagePullCredentialsVerificationPolicy",
    "preloadedImagesVerificationAllowlist",
    "eventRecordQPS",
    "eventBurst",
    "enableDebuggingHandlers",
    "enableContentionProfiling",
    "healthzPort",
    "healthzBindAddress",
    "oomScoreAdj",
    "clusterDomain",
    "clusterDNS",
    "streamingConnectionIdleTimeout",
    "nodeStatusUpdateFrequency",
    "nodeStatusReportFrequency",
    "nodeLeaseDurationSeconds",
    "imageMinimumGCAge",
    "imageMaximumGCAge",
    "imageGCHighThresholdPercent",
    "imageGCLowThresholdPercent",
    "volumeStatsAggPeriod",
    "kubeletCgroups",
    "systemCgroups",
    "cgroupRoot",
    "cgroupsPerQOS",
    "cgroupDriver",
    "cpuManagerPolicy",
    "singleProcessOOMKill",
    "cpuManagerPolicyOptions",
    "cpuManagerReconcilePeriod",
    "memoryManagerPolicy",
    "topologyManagerPolicy",
    "topologyManagerScope",
    "topologyManagerPolicyOptions",
    "qosReserved",
    "runtimeRequestTimeout",
    "hairpinMode",
    "maxPods",
    "podCIDR",
    "podPidsLimit",
    "resolvConf",
    "runOnce",
    "cpuCFSQuota",
    "cpuCFSQuotaPeriod",
    "nodeStatusMaxImages",
    "maxOpenFiles",
    "contentType",
    "kubeAPIQPS",
    "kubeAPIBurst",
    "serializeImagePulls",
    "maxParallelImagePulls",
    "evictionHard",
    "evictionSoft",
    "evictionSoftGracePeriod",
    "evictionPressureTransitionPeriod",
    "evictionMaxPodGracePeriod",
    "evictionMinimumReclaim",
    "mergeDefaultEvictionSettings",
    "podsPerCore",
    "enableControllerAttachDetach",
    "protectKernelDefaults",
    "makeIPTablesUtilChains",
    "iptablesMasqueradeBit",
    "iptablesDropBit",
    "featureGates",
    "failSwapOn",
    "memorySwap",
    "containerLogMaxSize",
    "containerLogMaxFiles",
    "containerLogMaxWorkers",
    "containerLogMonitorInterval",
    "configMapAndSecretChangeDetectionStrategy",
    "systemReserved",
    "kubeReserved",
    "reservedSystemCPUs",
    "showHiddenMetricsForVersion",
    "systemReservedCgroup",
    "kubeReservedCgroup",
    "enforceNodeAllocatable",
    "allowedUnsafeSysctls",
    "volumePluginDir",
    "providerID",
    "kernelMemcgNotification",
    "logging",
    "enableSystemLogHandler",
    "enableSystemLogQuery",
    "shutdownGracePeriod",
    "shutdownGracePeriodCriticalPods",
    "shutdownGracePeriodByPodPriority",
    "crashLoopBackOff",
    "reservedMemory",
    "enableProfilingHandler",
    "enableDebugFlagsHandler",
    "seccompDefault",
    "memoryThrottlingFactor",
    "memoryReservationPolicy",
    "registerWithTaints",
    "registerNode",
    "tracing",
    "localStorageCapacityIsolation",
    "containerRuntimeEndpoint",
    "imageServiceEndpoint",
    "failCgroupV1",
    "userNamespaces",
]
PROXY = [
    "featureGates",
    "clientConnection",
    "logging",
    "hostnameOverride",
    "bindAddress",
    "healthzBindAddress",
    "metricsBindAddress",
    "bindAddressHardFail",
    "enableProfiling",
    "showHiddenMetricsForVersion",
    "mode",
    "iptables",
    "ipvs",
    "nftables",
    "winkernel",
    "detectLocalMode",
    "detectLocal",
    "clusterCIDR",
    "nodePortAddresses",
    "oomScoreAdj",
    "conntrack",
    "configSyncPeriod",
    "portRange",
    "windowsRunAsService",
]

V1BETA4: dict[str, dict[str, Any]] = {
    "InitConfiguration": {
        "bootstrapTokens": [TOKEN],
        "dryRun": None,
        "nodeRegistration": NODE,
        "localAPIEndpoint": ENDPOINT,
        "certificateKey": None,
        "skipPhases": [None],
        "patches": PATCHES,
        "timeouts": TIMEOUTS,
    },
    "ClusterConfiguration": {
        "etcd": ETCD,
        "networking": {"serviceSubnet": None, "podSubnet": None, "dnsDomain": None},
        "kubernetesVersion": None,
        "controlPlaneEndpoint": None,
        "apiServer": {**COMPONENT, "certSANs": [None]},
        "controllerManager": COMPONENT,
        "scheduler": COMPONENT,
        "dns": {"imageRepository": None, "imageTag": None, "disabled": None},
        "proxy": {"disabled": None},
        "certificatesDir": None,
        "imageRepository": None,
        "featureGates": {},
        "clusterName": None,
        "encryptionAlgorithm": None,
        "certificateValidityPeriod": None,
        "caCertificateValidityPeriod": None,
    },
    "JoinConfiguration": {
        "dryRun": None,
        "nodeRegistration": NODE,
        "caCertPath": None,
        "discovery": DISCOVERY,
        "controlPlane": {"localAPIEndpoint": ENDPOINT, "certificateKey": None},
        "skipPhases": [None],
        "patches": PATCHES,
        "timeouts": TIMEOUTS,
    },
    "UpgradeConfiguration": {
        "apply": UPGRADE,
        "diff": {"kubernetesVersion": None, "contextLines": None},
        "node": UPGRADE,
        "plan": {**UPGRADE, "allowExperimentalUpgrades": None},
        "timeouts": TIMEOUTS,
    },
    "ResetConfiguration": {
        "certificatesDir": None,
        "cleanupTmpDir": None,
        "criSocket": None,
        "dryRun": None,
        "force": None,
        "ignorePreflightErrors": [None],
        "skipPhases": [None],
        "unmountFlags": [None],
        "timeouts": TIMEOUTS,
    },
}
COMPONENTS: dict[str, dict[str, dict[str, Any]]] = {
    "kubelet.config.k8s.io/v1beta1": {"KubeletConfiguration": dict.fromkeys(KUBELET)},
    "kubeproxy.config.k8s.io/v1alpha1": {"KubeProxyConfiguration": dict.fromkeys(PROXY)},
}


def problems(value: Json, schema: Json, path: str) -> list[str]:
    """What strict decoding says against a value: unknown fields and wrong shapes."""
    if schema is None or value is None:
        return []
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"cannot unmarshal {type(value).__name__} into field {path} of type list"]
        return [p for item in value for p in problems(item, schema[0], path)]
    if not isinstance(value, dict):
        return [f"cannot unmarshal {type(value).__name__} into field {path} of type object"]
    if not schema:
        return []
    found = [f'unknown field "{path}.{key}"'.replace('".', '"') for key in value.keys() - schema]
    for key in value.keys() & schema.keys():
        found += problems(value[key], schema[key], f"{path}.{key}")
    return found
