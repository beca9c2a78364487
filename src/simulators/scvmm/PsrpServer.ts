/**
 * The PSRP of a shell, server's side (MS-PSRP §3.2): opens the runspace pool and runs pipelines on a PowerShellHost.
 *
 * Expected flow: the creationXml's SESSION_CAPABILITY and INIT_RUNSPACEPOOL are answered with capability, private data
 * and state Opened; each Command's CREATE_PIPELINE runs on a free runspace and ends in PIPELINE_STATE and Done.
 * Guarantees: a pipeline belongs to the shell's scope, never to the request that started it.
 * Assumptions: the commands of this host read no pipeline input; PIPELINE_INPUT is accepted and dropped.
 * Errors: what is malformed is refused as a value; a defect of the host ends its pipeline as Failed and is logged.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { Defragmenter, splitMessage } from "../../../layers/psrp/Fragment.ts"
import { decodeMessage, emptyGuid, encodeMessage, type Message, type MessageBody } from "../../../layers/psrp/Message.ts"
import { MessageType } from "../../../layers/psrp/Message.ts"
import { errorRecord, pipelineOutput, PipelineState, pipelineState } from "../../../layers/psrp/PipelineMessage.ts"
import { progressRecord, warningRecord } from "../../../layers/psrp/InformationalRecord.ts"
import { bag } from "../../../layers/psrp/PsObject.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import {
  applicationPrivateData,
  ourCapability,
  readInitRunspacePool,
  RunspacePoolState,
  runspacePoolState,
  sessionCapability
} from "../../../layers/psrp/RunspacePoolMessage.ts"
import { property } from "../../../layers/psrp/PsObject.ts"
import * as Outbox from "./Outbox.ts"
import type { PowerShellHost, Runspace, Streams } from "./PowerShellHost.ts"
import { defectRecord, failureRecord, stoppedRecord } from "./PsrpRecords.ts"
