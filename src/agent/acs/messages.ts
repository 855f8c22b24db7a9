import * as v from "valibot";

const text = v.pipe(v.string(), v.minLength(1));

export const payloadMessage = v.object({
  clusterArn: text,
  containerInstanceArn: text,
  messageId: text,
  seqNum: v.nullish(v.number()),
  tasks: v.nullish(v.array(v.unknown()), []),
});

export const heartbeatMessage = v.object({ messageId: text });

const taskIdentifier = v.object({ taskArn: text, taskClusterArn: v.nullish(v.string()), desiredStatus: text });

export const taskManifestMessage = v.object({
  clusterArn: v.nullish(v.string()),
  containerInstanceArn: v.nullish(v.string()),
  messageId: text,
  timeline: v.number(),
  tasks: v.nullish(v.array(taskIdentifier), []),
});

export const taskStopVerificationAck = v.object({
  messageId: text,
  stopTasks: v.nullish(v.array(taskIdentifier), []),
});

export const iamRoleCredentialsMessage = v.object({
  messageId: text,
  taskArn: text,
  roleCredentials: v.object({ credentialsId: text, expiration: v.nullish(v.string()) }),
});

export const updateMessage = v.object({
  clusterArn: v.nullish(v.string()),
  containerInstanceArn: v.nullish(v.string()),
  messageId: text,
});

/** The execution role's credentials in a payload's task: all that is needed to acknowledge them. */
export const executionRole = v.object({
  executionRoleCredentials: v.object({ credentialsId: text, expiration: v.nullish(v.string()) }),
});
