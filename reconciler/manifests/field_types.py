"""The JSON types of the fields of the built-in kinds that have rules of their own, as the Kubernetes API defines them.

`int`, `bool`, `str`, `quantity`, `time`, `int-or-string`, `any`, `[item]`, `{value}` or the name of another row. A field with `!` is always
written, one with `?` also where it is zero, any other only where it is not. Fields that are not listed are not known.
"""

from __future__ import annotations

from typing import Final

FIELD_TYPES: Final[dict[str, str]] = {
    "AWSElasticBlockStoreVolumeSource": "fsType:str partition:int readOnly:bool volumeID!:str",
    "Affinity": "nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAntiAffinity",
    "AppArmorProfile": "localhostProfile?:str type!:str",
    "AzureDiskVolumeSource": "cachingMode?:str diskName!:str diskURI!:str fsType?:str kind?:str readOnly?:bool",
    "AzureFilePersistentVolumeSource": "readOnly:bool secretName!:str secretNamespace!:str shareName!:str",
    "AzureFileVolumeSource": "readOnly:bool secretName!:str shareName!:str",
    "CSIPersistentVolumeSource": (
        "controllerExpandSecretRef:SecretReference controllerPublishSecretRef:SecretReference driver!:str "
        "fsType:str nodeExpandSecretRef:SecretReference nodePublishSecretRef:SecretReference "
        "nodeStageSecretRef:SecretReference readOnly:bool volumeAttributes:{str} volumeHandle!:str"
    ),
    "CSIVolumeSource": (
        "driver!:str fsType?:str nodePublishSecretRef:LocalObjectReference readOnly?:bool "
        "volumeAttributes:{str}"
    ),
    "Capabilities": "add:[str] drop:[str]",
    "CephFSPersistentVolumeSource": (
        "monitors!:[str] path:str readOnly:bool secretFile:str secretRef:SecretReference user:str"
    ),
    "CephFSVolumeSource": (
        "monitors!:[str] path:str readOnly:bool secretFile:str secretRef:LocalObjectReference user:str"
    ),
    "CinderPersistentVolumeSource": "fsType:str readOnly:bool secretRef:SecretReference volumeID!:str",
    "CinderVolumeSource": "fsType:str readOnly:bool secretRef:LocalObjectReference volumeID!:str",
    "ClientIPConfig": "timeoutSeconds?:int",
    "ClusterTrustBundleProjection": "labelSelector:LabelSelector name?:str optional?:bool path!:str signerName?:str",
    "Condition": "lastTransitionTime!:time message!:str observedGeneration:int reason!:str status!:str type!:str",
    "ConfigMapEnvSource": "name:str optional?:bool",
    "ConfigMapKeySelector": "key!:str name:str optional?:bool",
    "ConfigMapProjection": "items:[KeyToPath] name:str optional?:bool",
    "ConfigMapVolumeSource": "defaultMode?:int items:[KeyToPath] name:str optional?:bool",
    "Container": (
        "args:[str] command:[str] env:[EnvVar] envFrom:[EnvFromSource] image:str imagePullPolicy:str "
        "lifecycle:Lifecycle livenessProbe:Probe name!:str ports:[ContainerPort] readinessProbe:Probe "
        "resizePolicy:[ContainerResizePolicy] resources!:ResourceRequirements restartPolicy?:str "
        "restartPolicyRules:[ContainerRestartRule] securityContext:SecurityContext startupProbe:Probe "
        "stdin:bool stdinOnce:bool terminationMessagePath:str terminationMessagePolicy:str tty:bool "
        "volumeDevices:[VolumeDevice] volumeMounts:[VolumeMount] workingDir:str"
    ),
    "ContainerExtendedResourceRequest": "containerName!:str requestName!:str resourceName!:str",
    "ContainerPort": "containerPort!:int hostIP:str hostPort:int name:str protocol:str",
    "ContainerResizePolicy": "resourceName!:str restartPolicy!:str",
    "ContainerResourceMetricSource": "container!:str name!:str target!:MetricTarget",
    "ContainerResourceMetricStatus": "container!:str current!:MetricValueStatus name!:str",
    "ContainerRestartRule": "action:str exitCodes:ContainerRestartRuleOnExitCodes",
    "ContainerRestartRuleOnExitCodes": "operator:str values:[int]",
    "ContainerState": (
        "running:ContainerStateRunning terminated:ContainerStateTerminated waiting:ContainerStateWaiting"
    ),
    "ContainerStateRunning": "startedAt!:time",
    "ContainerStateTerminated": (
        "containerID:str exitCode!:int finishedAt!:time message:str reason:str signal:int startedAt!:time"
    ),
    "ContainerStateWaiting": "message:str reason:str",
    "ContainerStatus": (
        "allocatedResources:{quantity} allocatedResourcesStatus:[ResourceStatus] containerID:str image!:str "
        "imageID!:str lastState!:ContainerState name!:str ready!:bool resources:ResourceRequirements "
        "restartCount!:int started?:bool state!:ContainerState stopSignal?:str user:ContainerUser "
        "volumeMounts:[VolumeMountStatus]"
    ),
    "ContainerUser": "linux:LinuxContainerUser",
    "CronJob": "apiVersion:str kind:str metadata!:ObjectMeta spec!:CronJobSpec status!:CronJobStatus",
    "CronJobSpec": (
        "concurrencyPolicy:str failedJobsHistoryLimit?:int jobTemplate!:JobTemplateSpec schedule!:str "
        "startingDeadlineSeconds?:int successfulJobsHistoryLimit?:int suspend?:bool timeZone?:str"
    ),
    "CronJobStatus": "active:[ObjectReference] lastScheduleTime:time lastSuccessfulTime:time",
    "CrossVersionObjectReference": "apiVersion:str kind!:str name!:str",
    "DaemonSet": "apiVersion:str kind:str metadata!:ObjectMeta spec!:DaemonSetSpec status!:DaemonSetStatus",
    "DaemonSetCondition": "lastTransitionTime!:time message:str reason:str status!:str type!:str",
    "DaemonSetSpec": (
        "minReadySeconds:int revisionHistoryLimit?:int selector!:LabelSelector template!:PodTemplateSpec "
        "updateStrategy!:DaemonSetUpdateStrategy"
    ),
    "DaemonSetStatus": (
        "collisionCount?:int conditions:[DaemonSetCondition] currentNumberScheduled!:int "
        "desiredNumberScheduled!:int numberAvailable:int numberMisscheduled!:int numberReady!:int "
        "numberUnavailable:int observedGeneration:int updatedNumberScheduled:int"
    ),
    "DaemonSetUpdateStrategy": "rollingUpdate:RollingUpdateDaemonSet type:str",
    "Deployment": "apiVersion:str kind:str metadata!:ObjectMeta spec!:DeploymentSpec status!:DeploymentStatus",
    "DeploymentCondition": (
        "lastTransitionTime!:time lastUpdateTime!:time message:str reason:str status!:str type!:str"
    ),
    "DeploymentSpec": (
        "minReadySeconds:int paused:bool progressDeadlineSeconds?:int replicas?:int revisionHistoryLimit?:int "
        "selector!:LabelSelector strategy!:DeploymentStrategy template!:PodTemplateSpec"
    ),
    "DeploymentStatus": (
        "availableReplicas:int collisionCount?:int conditions:[DeploymentCondition] observedGeneration:int "
        "readyReplicas:int replicas:int terminatingReplicas?:int unavailableReplicas:int updatedReplicas:int"
    ),
    "DeploymentStrategy": "rollingUpdate:RollingUpdateDeployment type:str",
    "DownwardAPIProjection": "items:[DownwardAPIVolumeFile]",
    "DownwardAPIVolumeFile": (
        "fieldRef:ObjectFieldSelector mode?:int path!:str resourceFieldRef:ResourceFieldSelector"
    ),
    "DownwardAPIVolumeSource": "defaultMode?:int items:[DownwardAPIVolumeFile]",
    "EmptyDirVolumeSource": "medium:str sizeLimit:quantity",
    "EnvFromSource": "configMapRef:ConfigMapEnvSource prefix:str secretRef:SecretEnvSource",
    "EnvVar": "name!:str value:str valueFrom:EnvVarSource",
    "EnvVarSource": (
        "configMapKeyRef:ConfigMapKeySelector fieldRef:ObjectFieldSelector fileKeyRef:FileKeySelector "
        "resourceFieldRef:ResourceFieldSelector secretKeyRef:SecretKeySelector"
    ),
    "EphemeralContainer": (
        "args:[str] command:[str] env:[EnvVar] envFrom:[EnvFromSource] image:str imagePullPolicy:str "
        "lifecycle:Lifecycle livenessProbe:Probe name!:str ports:[ContainerPort] readinessProbe:Probe "
        "resizePolicy:[ContainerResizePolicy] resources!:ResourceRequirements restartPolicy?:str "
        "restartPolicyRules:[ContainerRestartRule] securityContext:SecurityContext startupProbe:Probe "
        "stdin:bool stdinOnce:bool targetContainerName:str terminationMessagePath:str "
        "terminationMessagePolicy:str tty:bool volumeDevices:[VolumeDevice] volumeMounts:[VolumeMount] "
        "workingDir:str"
    ),
    "EphemeralVolumeSource": "volumeClaimTemplate:PersistentVolumeClaimTemplate",
    "ExecAction": "command:[str]",
    "ExternalMetricSource": "metric!:MetricIdentifier target!:MetricTarget",
    "ExternalMetricStatus": "current!:MetricValueStatus metric!:MetricIdentifier",
    "FCVolumeSource": "fsType:str lun?:int readOnly:bool targetWWNs:[str] wwids:[str]",
    "FileKeySelector": "key!:str optional?:bool path!:str volumeName!:str",
    "FlexPersistentVolumeSource": "driver!:str fsType:str options:{str} readOnly:bool secretRef:SecretReference",
    "FlexVolumeSource": "driver!:str fsType:str options:{str} readOnly:bool secretRef:LocalObjectReference",
    "FlockerVolumeSource": "datasetName:str datasetUUID:str",
    "GCEPersistentDiskVolumeSource": "fsType:str partition:int pdName!:str readOnly:bool",
    "GRPCAction": "port!:int service!:str",
    "GitRepoVolumeSource": "directory:str repository!:str revision:str",
    "GlusterfsPersistentVolumeSource": "endpoints!:str endpointsNamespace?:str path!:str readOnly:bool",
    "GlusterfsVolumeSource": "endpoints!:str path!:str readOnly:bool",
    "HPAScalingPolicy": "periodSeconds!:int type!:str value!:int",
    "HPAScalingRules": (
        "policies:[HPAScalingPolicy] selectPolicy?:str stabilizationWindowSeconds?:int tolerance:quantity"
    ),
    "HTTPGetAction": "host:str httpHeaders:[HTTPHeader] path:str port!:int-or-string scheme:str",
    "HTTPHeader": "name!:str value!:str",
    "HTTPIngressPath": "backend!:IngressBackend path:str pathType!:str",
    "HTTPIngressRuleValue": "paths!:[HTTPIngressPath]",
    "HorizontalPodAutoscaler": (
        "apiVersion:str kind:str metadata!:ObjectMeta spec!:HorizontalPodAutoscalerSpec "
        "status!:HorizontalPodAutoscalerStatus"
    ),
    "HorizontalPodAutoscalerBehavior": "scaleDown:HPAScalingRules scaleUp:HPAScalingRules",
    "HorizontalPodAutoscalerCondition": "lastTransitionTime!:time message:str reason:str status!:str type!:str",
    "HorizontalPodAutoscalerSpec": (
        "behavior:HorizontalPodAutoscalerBehavior maxReplicas!:int metrics:[MetricSpec] minReplicas?:int "
        "scaleTargetRef!:CrossVersionObjectReference"
    ),
    "HorizontalPodAutoscalerStatus": (
        "conditions:[HorizontalPodAutoscalerCondition] currentMetrics!:[MetricStatus] currentReplicas:int "
        "desiredReplicas!:int lastScaleTime:time observedGeneration?:int"
    ),
    "HostAlias": "hostnames:[str] ip!:str",
    "HostIP": "ip!:str",
    "HostPathVolumeSource": "path!:str type?:str",
    "ISCSIPersistentVolumeSource": (
        "chapAuthDiscovery:bool chapAuthSession:bool fsType:str initiatorName?:str iqn!:str "
        "iscsiInterface:str lun!:int portals:[str] readOnly:bool secretRef:SecretReference targetPortal!:str"
    ),
    "ISCSIVolumeSource": (
        "chapAuthDiscovery:bool chapAuthSession:bool fsType:str initiatorName?:str iqn!:str "
        "iscsiInterface:str lun!:int portals:[str] readOnly:bool secretRef:LocalObjectReference "
        "targetPortal!:str"
    ),
    "ImageVolumeSource": "pullPolicy:str reference:str",
    "ImageVolumeStatus": "imageRef:str",
    "Ingress": "apiVersion:str kind:str metadata!:ObjectMeta spec!:IngressSpec status!:IngressStatus",
    "IngressBackend": "resource:TypedLocalObjectReference service:IngressServiceBackend",
    "IngressLoadBalancerIngress": "hostname:str ip:str ports:[IngressPortStatus]",
    "IngressLoadBalancerStatus": "ingress:[IngressLoadBalancerIngress]",
    "IngressPortStatus": "error?:str port!:int protocol!:str",
    "IngressRule": "host:str http:HTTPIngressRuleValue",
    "IngressServiceBackend": "name!:str port!:ServiceBackendPort",
    "IngressSpec": "defaultBackend:IngressBackend ingressClassName?:str rules:[IngressRule] tls:[IngressTLS]",
    "IngressStatus": "loadBalancer!:IngressLoadBalancerStatus",
    "IngressTLS": "hosts:[str] secretName:str",
    "Job": "apiVersion:str kind:str metadata!:ObjectMeta spec!:JobSpec status!:JobStatus",
    "JobCondition": "lastProbeTime!:time lastTransitionTime!:time message:str reason:str status!:str type!:str",
    "JobSpec": (
        "activeDeadlineSeconds?:int backoffLimit?:int backoffLimitPerIndex?:int completionMode?:str "
        "completions?:int managedBy?:str manualSelector?:bool maxFailedIndexes?:int parallelism?:int "
        "podFailurePolicy:PodFailurePolicy podReplacementPolicy?:str selector:LabelSelector "
        "successPolicy:SuccessPolicy suspend?:bool template!:PodTemplateSpec ttlSecondsAfterFinished?:int"
    ),
    "JobStatus": (
        "active:int completedIndexes:str completionTime:time conditions:[JobCondition] failed:int "
        "failedIndexes?:str ready?:int startTime:time succeeded:int terminating?:int "
        "uncountedTerminatedPods:UncountedTerminatedPods"
    ),
    "JobTemplateSpec": "metadata!:ObjectMeta spec!:JobSpec",
    "KeyToPath": "key!:str mode?:int path!:str",
    "LabelSelector": "matchExpressions:[LabelSelectorRequirement] matchLabels:{str}",
    "LabelSelectorRequirement": "key!:str operator!:str values:[str]",
    "Lifecycle": "postStart:LifecycleHandler preStop:LifecycleHandler stopSignal?:str",
    "LifecycleHandler": "exec:ExecAction httpGet:HTTPGetAction sleep:SleepAction tcpSocket:TCPSocketAction",
    "LinuxContainerUser": "gid!:int supplementalGroups:[int] uid!:int",
    "LoadBalancerIngress": "hostname:str ip:str ipMode?:str ports:[PortStatus]",
    "LoadBalancerStatus": "ingress:[LoadBalancerIngress]",
    "LocalObjectReference": "name:str",
    "LocalVolumeSource": "fsType?:str path!:str",
    "ManagedFieldsEntry": (
        "apiVersion:str fieldsType:str fieldsV1:any manager:str operation:str subresource:str time:time"
    ),
    "MetricIdentifier": "name!:str selector:LabelSelector",
    "MetricSpec": (
        "containerResource:ContainerResourceMetricSource external:ExternalMetricSource "
        "object:ObjectMetricSource pods:PodsMetricSource resource:ResourceMetricSource type!:str"
    ),
    "MetricStatus": (
        "containerResource:ContainerResourceMetricStatus external:ExternalMetricStatus "
        "object:ObjectMetricStatus pods:PodsMetricStatus resource:ResourceMetricStatus type!:str"
    ),
    "MetricTarget": "averageUtilization?:int averageValue:quantity type!:str value:quantity",
    "MetricValueStatus": "averageUtilization?:int averageValue:quantity value:quantity",
    "ModifyVolumeStatus": "status!:str targetVolumeAttributesClassName:str",
    "NFSVolumeSource": "path!:str readOnly:bool server!:str",
    "NodeAffinity": (
        "preferredDuringSchedulingIgnoredDuringExecution:[PreferredSchedulingTerm] "
        "requiredDuringSchedulingIgnoredDuringExecution:NodeSelector"
    ),
    "NodeAllocatableResourceClaimStatus": "containers:[str] resourceClaimName!:str",
    "NodeSelector": "nodeSelectorTerms!:[NodeSelectorTerm]",
    "NodeSelectorRequirement": "key!:str operator!:str values:[str]",
    "NodeSelectorTerm": "matchExpressions:[NodeSelectorRequirement] matchFields:[NodeSelectorRequirement]",
    "ObjectFieldSelector": "apiVersion:str fieldPath!:str",
    "ObjectMeta": (
        "annotations:{str} creationTimestamp!:time deletionGracePeriodSeconds?:int deletionTimestamp:time "
        "finalizers:[str] generateName:str generation:int labels:{str} managedFields:[ManagedFieldsEntry] "
        "name:str namespace:str ownerReferences:[OwnerReference] resourceVersion:str selfLink:str uid:str"
    ),
    "ObjectMetricSource": (
        "describedObject!:CrossVersionObjectReference metric!:MetricIdentifier target!:MetricTarget"
    ),
    "ObjectMetricStatus": (
        "current!:MetricValueStatus describedObject!:CrossVersionObjectReference metric!:MetricIdentifier"
    ),
    "ObjectReference": "apiVersion:str fieldPath:str kind:str name:str namespace:str resourceVersion:str uid:str",
    "OwnerReference": "apiVersion!:str blockOwnerDeletion?:bool controller?:bool kind!:str name!:str uid!:str",
    "PersistentVolume": (
        "apiVersion:str kind:str metadata!:ObjectMeta spec!:PersistentVolumeSpec "
        "status!:PersistentVolumeStatus"
    ),
    "PersistentVolumeClaim": (
        "apiVersion:str kind:str metadata!:ObjectMeta spec!:PersistentVolumeClaimSpec "
        "status!:PersistentVolumeClaimStatus"
    ),
    "PersistentVolumeClaimCondition": (
        "lastProbeTime!:time lastTransitionTime!:time message:str reason:str status!:str type!:str"
    ),
    "PersistentVolumeClaimSpec": (
        "accessModes:[str] dataSource:TypedLocalObjectReference dataSourceRef:TypedObjectReference "
        "resources!:VolumeResourceRequirements selector:LabelSelector storageClassName?:str "
        "volumeAttributesClassName?:str volumeMode?:str volumeName:str"
    ),
    "PersistentVolumeClaimStatus": (
        "accessModes:[str] allocatedResourceStatuses:{str} allocatedResources:{quantity} capacity:{quantity} "
        "conditions:[PersistentVolumeClaimCondition] currentVolumeAttributesClassName?:str "
        "modifyVolumeStatus:ModifyVolumeStatus phase:str"
    ),
    "PersistentVolumeClaimTemplate": "metadata!:ObjectMeta spec!:PersistentVolumeClaimSpec",
    "PersistentVolumeClaimVolumeSource": "claimName!:str readOnly:bool",
    "PersistentVolumeSpec": (
        "accessModes:[str] awsElasticBlockStore:AWSElasticBlockStoreVolumeSource "
        "azureDisk:AzureDiskVolumeSource azureFile:AzureFilePersistentVolumeSource capacity:{quantity} "
        "cephfs:CephFSPersistentVolumeSource cinder:CinderPersistentVolumeSource claimRef:ObjectReference "
        "csi:CSIPersistentVolumeSource fc:FCVolumeSource flexVolume:FlexPersistentVolumeSource "
        "flocker:FlockerVolumeSource gcePersistentDisk:GCEPersistentDiskVolumeSource "
        "glusterfs:GlusterfsPersistentVolumeSource hostPath:HostPathVolumeSource "
        "iscsi:ISCSIPersistentVolumeSource local:LocalVolumeSource mountOptions:[str] nfs:NFSVolumeSource "
        "nodeAffinity:VolumeNodeAffinity persistentVolumeReclaimPolicy:str "
        "photonPersistentDisk:PhotonPersistentDiskVolumeSource portworxVolume:PortworxVolumeSource "
        "quobyte:QuobyteVolumeSource rbd:RBDPersistentVolumeSource scaleIO:ScaleIOPersistentVolumeSource "
        "storageClassName:str storageos:StorageOSPersistentVolumeSource volumeAttributesClassName?:str "
        "volumeMode?:str vsphereVolume:VsphereVirtualDiskVolumeSource"
    ),
    "PersistentVolumeStatus": "lastPhaseTransitionTime:time message:str phase:str reason:str",
    "PhotonPersistentDiskVolumeSource": "fsType:str pdID!:str",
    "Pod": "apiVersion:str kind:str metadata!:ObjectMeta spec!:PodSpec status!:PodStatus",
    "PodAffinity": (
        "preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm] "
        "requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]"
    ),
    "PodAffinityTerm": (
        "labelSelector:LabelSelector matchLabelKeys:[str] mismatchLabelKeys:[str] "
        "namespaceSelector:LabelSelector namespaces:[str] topologyKey!:str"
    ),
    "PodAntiAffinity": (
        "preferredDuringSchedulingIgnoredDuringExecution:[WeightedPodAffinityTerm] "
        "requiredDuringSchedulingIgnoredDuringExecution:[PodAffinityTerm]"
    ),
    "PodCertificateProjection": (
        "certificateChainPath:str credentialBundlePath:str keyPath:str keyType:str maxExpirationSeconds?:int "
        "signerName:str userAnnotations:{str}"
    ),
    "PodCondition": (
        "lastProbeTime!:time lastTransitionTime!:time message:str observedGeneration:int reason:str "
        "status!:str type!:str"
    ),
    "PodDNSConfig": "nameservers:[str] options:[PodDNSConfigOption] searches:[str]",
    "PodDNSConfigOption": "name:str value?:str",
    "PodDisruptionBudget": (
        "apiVersion:str kind:str metadata!:ObjectMeta spec!:PodDisruptionBudgetSpec "
        "status!:PodDisruptionBudgetStatus"
    ),
    "PodDisruptionBudgetSpec": (
        "maxUnavailable:int-or-string minAvailable:int-or-string selector:LabelSelector "
        "unhealthyPodEvictionPolicy?:str"
    ),
    "PodDisruptionBudgetStatus": (
        "conditions:[Condition] currentHealthy!:int desiredHealthy!:int disruptedPods:{time} "
        "disruptionsAllowed!:int expectedPods!:int observedGeneration:int"
    ),
    "PodExtendedResourceClaimStatus": "requestMappings!:[ContainerExtendedResourceRequest] resourceClaimName!:str",
    "PodFailurePolicy": "rules!:[PodFailurePolicyRule]",
    "PodFailurePolicyOnExitCodesRequirement": "containerName?:str operator!:str values!:[int]",
    "PodFailurePolicyOnPodConditionsPattern": "status!:str type!:str",
    "PodFailurePolicyRule": (
        "action!:str onExitCodes:PodFailurePolicyOnExitCodesRequirement "
        "onPodConditions:[PodFailurePolicyOnPodConditionsPattern]"
    ),
    "PodIP": "ip!:str",
    "PodOS": "name!:str",
    "PodReadinessGate": "conditionType!:str",
    "PodResourceClaim": "name!:str resourceClaimName?:str resourceClaimTemplateName?:str",
    "PodResourceClaimStatus": "name!:str resourceClaimName?:str",
    "PodSchedulingGate": "name!:str",
    "PodSchedulingGroup": "podGroupName?:str",
    "PodSecurityContext": (
        "appArmorProfile:AppArmorProfile fsGroup?:int fsGroupChangePolicy?:str runAsGroup?:int "
        "runAsNonRoot?:bool runAsUser?:int seLinuxChangePolicy?:str seLinuxOptions:SELinuxOptions "
        "seccompProfile:SeccompProfile supplementalGroups:[int] supplementalGroupsPolicy?:str "
        "sysctls:[Sysctl] windowsOptions:WindowsSecurityContextOptions"
    ),
    "PodSpec": (
        "activeDeadlineSeconds?:int affinity:Affinity automountServiceAccountToken?:bool "
        "containers!:[Container] dnsConfig:PodDNSConfig dnsPolicy:str enableServiceLinks?:bool "
        "ephemeralContainers:[EphemeralContainer] hostAliases:[HostAlias] hostIPC:bool hostNetwork:bool "
        "hostPID:bool hostUsers?:bool hostname:str hostnameOverride?:str "
        "imagePullSecrets:[LocalObjectReference] initContainers:[Container] nodeName:str nodeSelector:{str} "
        "os:PodOS overhead:{quantity} preemptionPolicy?:str priority?:int priorityClassName:str "
        "readinessGates:[PodReadinessGate] resourceClaims:[PodResourceClaim] resources:ResourceRequirements "
        "restartPolicy:str runtimeClassName?:str schedulerName:str schedulingGates:[PodSchedulingGate] "
        "schedulingGroup:PodSchedulingGroup securityContext:PodSecurityContext serviceAccount:str "
        "serviceAccountName:str setHostnameAsFQDN?:bool shareProcessNamespace?:bool subdomain:str "
        "terminationGracePeriodSeconds?:int tolerations:[Toleration] "
        "topologySpreadConstraints:[TopologySpreadConstraint] volumes:[Volume]"
    ),
    "PodStatus": (
        "allocatedResources:{quantity} conditions:[PodCondition] containerStatuses:[ContainerStatus] "
        "ephemeralContainerStatuses:[ContainerStatus] "
        "extendedResourceClaimStatus:PodExtendedResourceClaimStatus hostIP:str hostIPs:[HostIP] "
        "initContainerStatuses:[ContainerStatus] message:str "
        "nodeAllocatableResourceClaimStatuses:[NodeAllocatableResourceClaimStatus] nominatedNodeName:str "
        "observedGeneration:int phase:str podIP:str podIPs:[PodIP] qosClass:str reason:str resize:str "
        "resourceClaimStatuses:[PodResourceClaimStatus] resources:ResourceRequirements startTime:time"
    ),
    "PodTemplateSpec": "metadata!:ObjectMeta spec!:PodSpec",
    "PodsMetricSource": "metric!:MetricIdentifier target!:MetricTarget",
    "PodsMetricStatus": "current!:MetricValueStatus metric!:MetricIdentifier",
    "PortStatus": "error?:str port!:int protocol!:str",
    "PortworxVolumeSource": "fsType:str readOnly:bool volumeID!:str",
    "PreferredSchedulingTerm": "preference!:NodeSelectorTerm weight!:int",
    "Probe": (
        "exec:ExecAction failureThreshold:int grpc:GRPCAction httpGet:HTTPGetAction initialDelaySeconds:int "
        "periodSeconds:int successThreshold:int tcpSocket:TCPSocketAction terminationGracePeriodSeconds?:int "
        "timeoutSeconds:int"
    ),
    "ProjectedVolumeSource": "defaultMode?:int sources!:[VolumeProjection]",
    "QuobyteVolumeSource": "group:str readOnly:bool registry!:str tenant:str user:str volume!:str",
    "RBDPersistentVolumeSource": (
        "fsType:str image!:str keyring:str monitors!:[str] pool:str readOnly:bool secretRef:SecretReference "
        "user:str"
    ),
    "RBDVolumeSource": (
        "fsType:str image!:str keyring:str monitors!:[str] pool:str readOnly:bool "
        "secretRef:LocalObjectReference user:str"
    ),
    "ReplicaSet": "apiVersion:str kind:str metadata!:ObjectMeta spec!:ReplicaSetSpec status!:ReplicaSetStatus",
    "ReplicaSetCondition": "lastTransitionTime!:time message:str reason:str status!:str type!:str",
    "ReplicaSetSpec": "minReadySeconds:int replicas?:int selector!:LabelSelector template!:PodTemplateSpec",
    "ReplicaSetStatus": (
        "availableReplicas:int conditions:[ReplicaSetCondition] fullyLabeledReplicas:int "
        "observedGeneration:int readyReplicas:int replicas!:int terminatingReplicas?:int"
    ),
    "ResourceClaim": "name!:str request:str",
    "ResourceFieldSelector": "containerName:str divisor!:quantity resource!:str",
    "ResourceHealth": "health:str message?:str resourceID!:str",
    "ResourceMetricSource": "name!:str target!:MetricTarget",
    "ResourceMetricStatus": "current!:MetricValueStatus name!:str",
    "ResourceRequirements": "claims:[ResourceClaim] limits:{quantity} requests:{quantity}",
    "ResourceStatus": "name!:str resources:[ResourceHealth]",
    "RollingUpdateDaemonSet": "maxSurge:int-or-string maxUnavailable:int-or-string",
    "RollingUpdateDeployment": "maxSurge:int-or-string maxUnavailable:int-or-string",
    "RollingUpdateStatefulSetStrategy": "maxUnavailable:int-or-string partition?:int",
    "SELinuxOptions": "level:str role:str type:str user:str",
    "ScaleIOPersistentVolumeSource": (
        "fsType:str gateway!:str protectionDomain:str readOnly:bool secretRef!:SecretReference "
        "sslEnabled:bool storageMode:str storagePool:str system!:str volumeName:str"
    ),
    "ScaleIOVolumeSource": (
        "fsType:str gateway!:str protectionDomain:str readOnly:bool secretRef!:LocalObjectReference "
        "sslEnabled:bool storageMode:str storagePool:str system!:str volumeName:str"
    ),
    "SeccompProfile": "localhostProfile?:str type!:str",
    "SecretEnvSource": "name:str optional?:bool",
    "SecretKeySelector": "key!:str name:str optional?:bool",
    "SecretProjection": "items:[KeyToPath] name:str optional?:bool",
    "SecretReference": "name:str namespace:str",
    "SecretVolumeSource": "defaultMode?:int items:[KeyToPath] optional?:bool secretName:str",
    "SecurityContext": (
        "allowPrivilegeEscalation?:bool appArmorProfile:AppArmorProfile capabilities:Capabilities "
        "privileged?:bool procMount?:str readOnlyRootFilesystem?:bool runAsGroup?:int runAsNonRoot?:bool "
        "runAsUser?:int seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile "
        "windowsOptions:WindowsSecurityContextOptions"
    ),
    "Service": "apiVersion:str kind:str metadata!:ObjectMeta spec!:ServiceSpec status!:ServiceStatus",
    "ServiceAccountTokenProjection": "audience:str expirationSeconds?:int path!:str",
    "ServiceBackendPort": "name:str number:int",
    "ServicePort": "appProtocol?:str name:str nodePort:int port!:int protocol:str targetPort!:int-or-string",
    "ServiceSpec": (
        "allocateLoadBalancerNodePorts?:bool clusterIP:str clusterIPs:[str] externalIPs:[str] "
        "externalName:str externalTrafficPolicy:str healthCheckNodePort:int internalTrafficPolicy?:str "
        "ipFamilies:[str] ipFamilyPolicy?:str loadBalancerClass?:str loadBalancerIP:str "
        "loadBalancerSourceRanges:[str] ports:[ServicePort] publishNotReadyAddresses:bool selector:{str} "
        "sessionAffinity:str sessionAffinityConfig:SessionAffinityConfig trafficDistribution?:str type:str"
    ),
    "ServiceStatus": "conditions:[Condition] loadBalancer!:LoadBalancerStatus",
    "SessionAffinityConfig": "clientIP:ClientIPConfig",
    "SleepAction": "seconds!:int",
    "StatefulSet": "apiVersion:str kind:str metadata!:ObjectMeta spec!:StatefulSetSpec status!:StatefulSetStatus",
    "StatefulSetCondition": "lastTransitionTime!:time message:str reason:str status!:str type!:str",
    "StatefulSetOrdinals": "start!:int",
    "StatefulSetPersistentVolumeClaimRetentionPolicy": "whenDeleted:str whenScaled:str",
    "StatefulSetSpec": (
        "minReadySeconds:int ordinals:StatefulSetOrdinals "
        "persistentVolumeClaimRetentionPolicy:StatefulSetPersistentVolumeClaimRetentionPolicy "
        "podManagementPolicy:str replicas?:int revisionHistoryLimit?:int selector!:LabelSelector "
        "serviceName!:str template!:PodTemplateSpec updateStrategy!:StatefulSetUpdateStrategy "
        "volumeClaimTemplates:[PersistentVolumeClaim]"
    ),
    "StatefulSetStatus": (
        "availableReplicas!:int collisionCount?:int conditions:[StatefulSetCondition] currentReplicas:int "
        "currentRevision:str observedGeneration:int readyReplicas:int replicas!:int updateRevision:str "
        "updatedReplicas:int"
    ),
    "StatefulSetUpdateStrategy": "rollingUpdate:RollingUpdateStatefulSetStrategy type:str",
    "StorageOSPersistentVolumeSource": (
        "fsType:str readOnly:bool secretRef:ObjectReference volumeName:str volumeNamespace:str"
    ),
    "StorageOSVolumeSource": (
        "fsType:str readOnly:bool secretRef:LocalObjectReference volumeName:str volumeNamespace:str"
    ),
    "SuccessPolicy": "rules!:[SuccessPolicyRule]",
    "SuccessPolicyRule": "succeededCount?:int succeededIndexes?:str",
    "Sysctl": "name!:str value!:str",
    "TCPSocketAction": "host:str port!:int-or-string",
    "Toleration": "effect:str key:str operator:str tolerationSeconds?:int value:str",
    "TopologySpreadConstraint": (
        "labelSelector:LabelSelector matchLabelKeys:[str] maxSkew!:int minDomains?:int "
        "nodeAffinityPolicy?:str nodeTaintsPolicy?:str topologyKey!:str whenUnsatisfiable!:str"
    ),
    "TypedLocalObjectReference": "apiGroup!:str kind!:str name!:str",
    "TypedObjectReference": "apiGroup!:str kind!:str name!:str namespace?:str",
    "UncountedTerminatedPods": "failed:[str] succeeded:[str]",
    "Volume": (
        "awsElasticBlockStore:AWSElasticBlockStoreVolumeSource azureDisk:AzureDiskVolumeSource "
        "azureFile:AzureFileVolumeSource cephfs:CephFSVolumeSource cinder:CinderVolumeSource "
        "configMap:ConfigMapVolumeSource csi:CSIVolumeSource downwardAPI:DownwardAPIVolumeSource "
        "emptyDir:EmptyDirVolumeSource ephemeral:EphemeralVolumeSource fc:FCVolumeSource "
        "flexVolume:FlexVolumeSource flocker:FlockerVolumeSource "
        "gcePersistentDisk:GCEPersistentDiskVolumeSource gitRepo:GitRepoVolumeSource "
        "glusterfs:GlusterfsVolumeSource hostPath:HostPathVolumeSource image:ImageVolumeSource "
        "iscsi:ISCSIVolumeSource name!:str nfs:NFSVolumeSource "
        "persistentVolumeClaim:PersistentVolumeClaimVolumeSource "
        "photonPersistentDisk:PhotonPersistentDiskVolumeSource portworxVolume:PortworxVolumeSource "
        "projected:ProjectedVolumeSource quobyte:QuobyteVolumeSource rbd:RBDVolumeSource "
        "scaleIO:ScaleIOVolumeSource secret:SecretVolumeSource storageos:StorageOSVolumeSource "
        "vsphereVolume:VsphereVirtualDiskVolumeSource"
    ),
    "VolumeDevice": "devicePath!:str name!:str",
    "VolumeMount": (
        "mountPath!:str mountPropagation?:str name!:str readOnly:bool recursiveReadOnly?:str subPath:str "
        "subPathExpr:str"
    ),
    "VolumeMountStatus": "mountPath!:str name!:str readOnly:bool recursiveReadOnly?:str volumeStatus:VolumeStatus",
    "VolumeNodeAffinity": "required:NodeSelector",
    "VolumeProjection": (
        "clusterTrustBundle:ClusterTrustBundleProjection configMap:ConfigMapProjection "
        "downwardAPI:DownwardAPIProjection podCertificate:PodCertificateProjection secret:SecretProjection "
        "serviceAccountToken:ServiceAccountTokenProjection"
    ),
    "VolumeResourceRequirements": "limits:{quantity} requests:{quantity}",
    "VolumeStatus": "image:ImageVolumeStatus",
    "VsphereVirtualDiskVolumeSource": "fsType:str storagePolicyID:str storagePolicyName:str volumePath!:str",
    "WeightedPodAffinityTerm": "podAffinityTerm!:PodAffinityTerm weight!:int",
    "WindowsSecurityContextOptions": (
        "gmsaCredentialSpec?:str gmsaCredentialSpecName?:str hostProcess?:bool runAsUserName?:str"
    ),
}
