/** What a WinRM listener and its PowerShell plugin allow; "quota" as winrm/config and the plugin's Quotas call them. */

export interface Quotas {
  /** Users with open shells. Default 10. */
  readonly maxConcurrentUsers: number
  /** Default 30. */
  readonly maxShellsPerUser: number
  /** Requests of one user that are being carried out. Default 1500. */
  readonly maxConcurrentOperationsPerUser: number
  /** Commands that nobody terminated yet. Default 1000. */
  readonly maxCommandsPerShell: number
  /** Default 1024. */
  readonly maxMemoryPerShellMegabytes: number
  /** What a command takes of its shell's memory and never gives back. Default 0. */
  readonly pipelineMegabytes: number
  /** Longer OperationTimeouts are cut to this. Default 60. */
  readonly maxTimeoutSeconds: number
  /** IdleTimeOut of a shell that asks for none. Default 7200. */
  readonly idleTimeoutSeconds: number
  /**
   * A shell of which nothing was asked for so long is disconnected, as Windows does with sessions that hold no Receive.
   * Default: never.
   */
  readonly disconnectIdleSeconds: number
  /** Of a request, and the most that an answer takes whatever its request allows. Default 512000. */
  readonly maxEnvelopeBytes: number
}

export const defaultQuotas: Quotas = {
  maxConcurrentUsers: 10,
  maxShellsPerUser: 30,
  maxConcurrentOperationsPerUser: 1500,
  maxCommandsPerShell: 1000,
  maxMemoryPerShellMegabytes: 1024,
  pipelineMegabytes: 0,
  maxTimeoutSeconds: 60,
  idleTimeoutSeconds: 7200,
  disconnectIdleSeconds: Infinity,
  maxEnvelopeBytes: 512_000
}
