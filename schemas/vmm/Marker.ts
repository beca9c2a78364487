/** The line in a VM's description that says whose it is (design D6). */

export interface Marker {
  /** UID of the namespace kube-system of the management cluster. */
  readonly installation: string
  readonly namespace: string
  readonly name: string
  /** UID of the ScvmmMachine. */
  readonly uid: string
}

const version = "capscvmm/1"
const line = /^capscvmm\/1 installation=(\S+) machine=([^\s/]+)\/(\S+) uid=(\S+)$/u

export const render = (marker: Marker): string =>
  `${version} installation=${marker.installation} machine=${marker.namespace}/${marker.name} uid=${marker.uid}`

/** Text that every marker of one installation holds. */
export const ofInstallation = (installation: string): string => `${version} installation=${installation} `

/** The last marker line of a description: ours is appended to what a tenant wrote, which must not speak for us. */
export const parse = (description: string): Marker | undefined => {
  for (const text of description.split(/\r?\n/u).toReversed()) {
    const [, installation, namespace, name, uid] = line.exec(text.trim()) ?? []
    if (installation !== undefined && namespace !== undefined && name !== undefined && uid !== undefined) {
      return { installation, namespace, name, uid }
    }
  }
  return undefined
}
