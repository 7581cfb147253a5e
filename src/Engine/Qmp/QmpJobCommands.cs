namespace Lamina.Engine.Qmp;

/// <summary>The monitor's commands for jobs that borrow a VM: layers of disks.</summary>
public static class QmpJobCommands
{
    private static readonly QmpJson Json = QmpJson.Default;

    public static readonly QmpCommand<BlockCommitArguments, QmpNothing> BlockCommit = new("block-commit", Json.BlockCommitArguments, Json.QmpNothing);
    public static readonly QmpCommand<BlockdevMirrorArguments, QmpNothing> BlockdevMirror = new("blockdev-mirror", Json.BlockdevMirrorArguments, Json.QmpNothing);
    public static readonly QmpCommand<DeviceIdArguments, QmpNothing> JobComplete = new("job-complete", Json.DeviceIdArguments, Json.QmpNothing);
    public static readonly QmpCommand<DeviceIdArguments, QmpNothing> JobCancel = new("job-cancel", Json.DeviceIdArguments, Json.QmpNothing);
    public static readonly QmpCommand<DeviceIdArguments, QmpNothing> JobDismiss = new("job-dismiss", Json.DeviceIdArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, JobInfo[]> QueryJobs = new("query-jobs", Json.QmpNothing, Json.JobInfoArray);

    public static readonly IReadOnlyList<QmpCommand> All =
    [
        BlockCommit, BlockdevMirror, JobComplete, JobCancel, JobDismiss, QueryJobs,
    ];

    /// <summary>Of the kinds of action only the one that is used.</summary>
    public static readonly QmpCommand<TransactionArguments, QmpNothing> Transaction = new("transaction", Json.TransactionArguments, Json.QmpNothing);
}

/// <summary>The events of those jobs.</summary>
public static class QmpJobEvents
{
    private static readonly QmpJson Json = QmpJson.Default;

    public static readonly QmpEventKind<JobStatusEventData> JobStatus = new("JOB_STATUS_CHANGE", Json.JobStatusEventData);

    public static readonly IReadOnlyList<QmpEventKind> All = [JobStatus];
}
