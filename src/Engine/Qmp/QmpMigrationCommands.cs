namespace Lamina.Engine.Qmp;

/// <summary>The monitor's commands for a guest's memory and disks on their way to another process, or into a file.</summary>
public static class QmpMigrationCommands
{
    private static readonly QmpJson Json = QmpJson.Default;

    public static readonly QmpCommand<MigrationCapabilities, QmpNothing> SetCapabilities =
        new("migrate-set-capabilities", Json.MigrationCapabilities, Json.QmpNothing);
    public static readonly QmpCommand<MigrationParameters, QmpNothing> SetParameters =
        new("migrate-set-parameters", Json.MigrationParameters, Json.QmpNothing);
    public static readonly QmpCommand<UriArguments, QmpNothing> Migrate = new("migrate", Json.UriArguments, Json.QmpNothing);
    public static readonly QmpCommand<ResumeMigrationArguments, QmpNothing> Resume = new("migrate", Json.ResumeMigrationArguments, Json.QmpNothing);
    public static readonly QmpCommand<UriArguments, QmpNothing> Incoming = new("migrate-incoming", Json.UriArguments, Json.QmpNothing);
    public static readonly QmpCommand<UriArguments, QmpNothing> Recover = new("migrate-recover", Json.UriArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, QmpNothing> Cancel = new("migrate_cancel", Json.QmpNothing, Json.QmpNothing);
    public static readonly QmpCommand<MigrationStatusArguments, QmpNothing> Continue = new("migrate-continue", Json.MigrationStatusArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, QmpNothing> StartPostCopy = new("migrate-start-postcopy", Json.QmpNothing, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, MigrationInfo> Query = new("query-migrate", Json.QmpNothing, Json.MigrationInfo);
    public static readonly QmpCommand<DirtyRateArguments, QmpNothing> MeasureDirtyRate = new("calc-dirty-rate", Json.DirtyRateArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, DirtyRateInfo> QueryDirtyRate = new("query-dirty-rate", Json.QmpNothing, Json.DirtyRateInfo);
    public static readonly QmpCommand<AnnounceArguments, QmpNothing> Announce = new("announce-self", Json.AnnounceArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, YankInstance[]> QueryYank = new("query-yank", Json.QmpNothing, Json.YankInstanceArray);
    public static readonly QmpCommand<YankArguments, QmpNothing> Yank = new("yank", Json.YankArguments, Json.QmpNothing);
    public static readonly QmpCommand<NbdServerArguments, QmpNothing> StartNbdServer = new("nbd-server-start", Json.NbdServerArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, QmpNothing> StopNbdServer = new("nbd-server-stop", Json.QmpNothing, Json.QmpNothing);
    public static readonly QmpCommand<ExportDeleteArguments, QmpNothing> DeleteExport = new("block-export-del", Json.ExportDeleteArguments, Json.QmpNothing);
    public static readonly QmpCommand<QmpNothing, ExportInfo[]> QueryExports = new("query-block-exports", Json.QmpNothing, Json.ExportInfoArray);
    public static readonly QmpCommand<DeviceIdArguments, QmpNothing> DeleteObject = new("object-del", Json.DeviceIdArguments, Json.QmpNothing);
    public static readonly QmpCommand<BlockJobArguments, QmpNothing> EndBlockJob = new("block-job-cancel", Json.BlockJobArguments, Json.QmpNothing);
    public static readonly QmpCommand<BlockJobSpeedArguments, QmpNothing> SetBlockJobSpeed =
        new("block-job-set-speed", Json.BlockJobSpeedArguments, Json.QmpNothing);

    public static readonly IReadOnlyList<QmpCommand> All =
    [
        SetCapabilities, SetParameters, Migrate, Resume, Incoming, Recover, Cancel, Continue, StartPostCopy, Query, MeasureDirtyRate, QueryDirtyRate,
        Announce, QueryYank, Yank, StartNbdServer, StopNbdServer, DeleteExport, QueryExports, DeleteObject, EndBlockJob, SetBlockJobSpeed,
    ];

    // Of the many forms of these only the ones that are used.
    public static readonly QmpCommand<NbdExportArguments, QmpNothing> AddExport = new("block-export-add", Json.NbdExportArguments, Json.QmpNothing);
    public static readonly QmpCommand<NbdServerOnFdArguments, QmpNothing> StartNbdServerOnFd = new("nbd-server-start", Json.NbdServerOnFdArguments, Json.QmpNothing);
    public static readonly QmpCommand<TlsCredentialsObject, QmpNothing> AddCredentials = new("object-add", Json.TlsCredentialsObject, Json.QmpNothing);
    public static readonly QmpCommand<NbdBlockdev, QmpNothing> AddNbdNode = new("blockdev-add", Json.NbdBlockdev, Json.QmpNothing);
}

/// <summary>The event of a migration, on either side.</summary>
public static class QmpMigrationEvents
{
    public static readonly QmpEventKind<MigrationEventData> Migration = new("MIGRATION", QmpJson.Default.MigrationEventData);

    public static readonly IReadOnlyList<QmpEventKind> All = [Migration];
}
