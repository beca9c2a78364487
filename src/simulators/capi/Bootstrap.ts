/** Bootstrap data as Cluster API's kubeadm bootstrap provider writes it: a cloud-config that runs `kubeadm init` or `join`. */
import { stringify } from "yaml"

export interface BootstrapInput {
  readonly controlPlane: boolean
  /** The first control-plane machine. */
  readonly init: boolean
  readonly version: string
  /** host:port of the control plane. */
  readonly endpoint: string
  readonly token: string
}

// The provider id is the kubelet's to publish: instance-id of the seed is VMM's VMId.
const registration = {
  name: "{{ ds.meta_data.local_hostname }}",
  kubeletExtraArgs: [{ name: "provider-id", value: "scvmm://{{ ds.meta_data.instance_id }}" }]
}

const apiVersion = "kubeadm.k8s.io/v1beta4"

const documents = (input: BootstrapInput): ReadonlyArray<unknown> =>
  input.init
    ? [
        {
          apiVersion,
          kind: "ClusterConfiguration",
          kubernetesVersion: input.version,
          controlPlaneEndpoint: input.endpoint
        },
        {
          apiVersion,
          kind: "InitConfiguration",
          bootstrapTokens: [{ token: input.token }],
          nodeRegistration: registration
        }
      ]
    : [
        {
          apiVersion,
          kind: "JoinConfiguration",
          discovery: {
            bootstrapToken: { apiServerEndpoint: input.endpoint, token: input.token, unsafeSkipCAVerification: true }
          },
          nodeRegistration: registration,
          ...(input.controlPlane && { controlPlane: {} })
        }
      ]

export const cloudConfig = (input: BootstrapInput): string => {
  const path = input.init ? "/run/kubeadm/kubeadm.yaml" : "/run/kubeadm/kubeadm-join-config.yaml"
  const config = {
    write_files: [
      {
        path,
        owner: "root:root",
        permissions: "0640",
        content: documents(input)
          .map((document) => stringify(document))
          .join("---\n")
      },
      {
        path: "/run/cluster-api/placeholder",
        owner: "root:root",
        permissions: "0640",
        content: "This placeholder file is used to create the /run/cluster-api sub directory.\n"
      },
      {
        path: "/run/capscvmm/kubernetes-version",
        owner: "root:root",
        permissions: "0644",
        content: `${input.version}\n`
      }
    ],
    runcmd: [
      `kubeadm ${input.init ? "init" : "join"} --config ${path} && echo success > /run/cluster-api/bootstrap-success.complete`
    ]
  }
  return `## template: jinja\n#cloud-config\n${stringify(config, { version: "1.1", lineWidth: 0 })}`
}
