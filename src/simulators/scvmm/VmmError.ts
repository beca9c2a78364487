/** Error records in the shape that VMM, PowerShell and our functions give them. */
import { ErrorId } from "../../../schemas/vmm/Verb.ts"
import { Terminated } from "./PowerShellHost.ts"

/** System.Management.Automation.ErrorCategory. */
const category = {
  notSpecified: 0,
  invalidArgument: 5,
  invalidData: 6,
  objectNotFound: 13,
  operationTimeout: 15,
  permissionDenied: 18,
  resourceExists: 20,
  readError: 22
} as const

const vmmTexts: Readonly<Record<number, readonly [problem: string, recommendedAction: string]>> = {
  640: [
    "The virtual machine must be in either the Poweroff or Stored state before SCVMM can perform the specified hardware changes.",
    "Change the state of the virtual machine, and then try the operation again."
  ],
  801: ["VMM cannot find the object.", "Ensure the library object is valid, and then try the operation again."],
  1602: [
    "Unable to connect to the Virtual Machine Manager server. The Virtual Machine Manager service on that server did not respond.",
    "Verify that Virtual Machine Manager has been installed on the server and that the Virtual Machine Manager service is running. Then try to connect again."
  ],
  1604: [
    "You cannot access the VMM management server.",
    "Contact the Virtual Machine Manager administrator to verify that your account is a member of a valid user role and then try the operation again."
  ],
  1615: [
    "VMM is unable to perform this operation without a connection to a Virtual Machine Manager management server.",
    "Use the Get-VMMServer cmdlet or the -VMMServer parameter to connect to a Virtual Machine Manager management server."
  ],
  1730: [
    "The selected action could not be completed because the virtual machine is not in a state in which the action is valid.",
    "Change the state of the virtual machine, and then try the operation again."
  ],
  2602: [
    "Unable to perform the job because one or more of the selected objects are locked by another job.",
    "To find out which job is locking the object, in the Jobs view, group by Status, and find the running or canceling job for the object. When the job is complete, try again."
  ],
  12700: [
    "VMM cannot complete the host operation on the host because of an error.",
    "Resolve the host issue and then try the operation again."
  ],
  23352: [
    "VMM cannot find the device or this device is not valid for a boot device.",
    "Specify a valid boot device and then try the operation again."
  ]
}

/** Class names are irregular in VMM too. */
const cmdletClasses: Readonly<Record<string, string>> = {
  "Get-SCVMMServer": "GetVmmServerCmdlet",
  "Get-SCVirtualMachine": "GetVMCmdlet",
  "New-SCVirtualMachine": "NewVmCmdlet",
  "New-SCVMTemplate": "NewTemplateCmdlet",
  "Expand-SCVirtualDiskDrive": "ExpandVirtualDiskDriveCmdlet",
  "New-SCVirtualDVDDrive": "NewDVDDriveCmdlet",
  "Set-SCVirtualDVDDrive": "SetDVDDriveCmdlet",
  "Start-SCVirtualMachine": "StartVmCmdlet",
  "Stop-SCVirtualMachine": "StopVmCmdlet",
  "Remove-SCVirtualMachine": "RemoveVmCmdlet",
  "Import-SCLibraryPhysicalResource": "ImportLibraryPhysicalResourceCmdlet"
}

/** VMM's texts for a number. */
export const vmmText = (code: number): { readonly problem: string; readonly recommendedAction: string } => {
  const [problem, recommendedAction] = vmmTexts[code] ?? [
    `VMM error ${code}.`,
    "Resolve the issue and then try the operation again."
  ]
  return { problem, recommendedAction }
}

/**
 * An error of VMM (CarmineException). The number leads FullyQualifiedErrorId; the text carries number, detail, recommended
 * action and, when a job failed, how to restart it.
 */
export const vmmError = (
  code: number,
  cmdlet: string,
  options?: {
    readonly problem?: string
    readonly detail?: string
    readonly job?: { readonly id: string; readonly vmmServer: string }
  }
): Terminated => {
  const { problem, recommendedAction } = vmmText(code)
  const restart =
    options?.job === undefined
      ? []
      : [
          `To restart the job, run the following command:\r\nPS> Restart-Job -Job (Get-VMMServer ${options.job.vmmServer} | Get-Job | where { $_.ID -eq "{${options.job.id}}"})`
        ]
  return new Terminated({
    message: [
      `${options?.problem ?? problem} (Error ID: ${code}, Detailed Error: ${options?.detail ?? ""})`,
      recommendedAction,
      ...restart
    ].join("\r\n\r\n"),
    fullyQualifiedErrorId: `${code},Microsoft.SystemCenter.VirtualMachineManager.Cmdlets.${cmdletClasses[cmdlet] ?? `${cmdlet.replace("-", "")}Cmdlet`}`,
    exceptionType: "Microsoft.VirtualManager.Utils.CarmineException",
    category: category.readError,
    activity: cmdlet,
    reason: "CarmineException",
    targetObject: null
  })
}

/** The number of a VMM error, when the record is one. */
export const vmmCode = (error: Terminated): number | undefined => {
  const code = /^(\d+),/u.exec(error.failure.fullyQualifiedErrorId)?.[1]
  return code === undefined ? undefined : Number(code)
}

/** The id of an error that one of our functions throws, or of PowerShell's. */
export const functionErrorId = (error: Terminated): string => error.failure.fullyQualifiedErrorId.split(",")[0] ?? ""

const categories: Readonly<Record<string, number>> = {
  [ErrorId.referenceNotFound]: category.objectNotFound,
  [ErrorId.referenceAmbiguous]: category.invalidArgument,
  [ErrorId.virtualMachineNotFound]: category.objectNotFound,
  [ErrorId.virtualDiskNotFound]: category.objectNotFound,
  [ErrorId.virtualMachineNotOwned]: category.permissionDenied,
  [ErrorId.virtualMachineExists]: category.resourceExists,
  [ErrorId.commitWindowElapsed]: category.operationTimeout,
  [ErrorId.mediumNameInvalid]: category.invalidArgument,
  [ErrorId.mediumNotFound]: category.objectNotFound,
  [ErrorId.libraryShareNotFound]: category.objectNotFound
}

/** An error that one of our functions throws. `target` becomes TargetObject as compact JSON. */
export const functionError = (id: string, functionName: string, message: string, target?: unknown): Terminated =>
  new Terminated({
    message,
    fullyQualifiedErrorId: `${id},${functionName}`,
    exceptionType: "System.InvalidOperationException",
    category: categories[id] ?? category.notSpecified,
    activity: functionName,
    reason: "InvalidOperationException",
    targetObject: target === undefined ? null : JSON.stringify(target)
  })

export const commandNotFound = (name: string): Terminated =>
  new Terminated({
    message: `The term '${name}' is not recognized as the name of a cmdlet, function, script file, or operable program. Check the spelling of the name, or if a path was included, verify that the path is correct and try again.`,
    fullyQualifiedErrorId: "CommandNotFoundException",
    exceptionType: "System.Management.Automation.CommandNotFoundException",
    category: category.objectNotFound,
    activity: "",
    reason: "CommandNotFoundException",
    targetObject: name
  })

const bindingTypes = {
  NamedParameterNotFound: ["ParameterBindingException", category.invalidArgument],
  MissingMandatoryParameter: ["ParameterBindingException", category.invalidArgument],
  ParameterArgumentTransformationError: ["ParameterBindingArgumentTransformationException", category.invalidData],
  ParameterArgumentValidationErrorEmptyStringNotAllowed: ["ParameterBindingValidationException", category.invalidData]
} as const

/** PowerShell's binder refuses an argument. */
export const bindingError = (id: keyof typeof bindingTypes, functionName: string, message: string): Terminated => {
  const [type, categoryOfId] = bindingTypes[id]
  return new Terminated({
    message,
    fullyQualifiedErrorId: `${id},${functionName}`,
    exceptionType: `System.Management.Automation.${type}`,
    category: categoryOfId,
    activity: functionName,
    reason: type,
    targetObject: null
  })
}
