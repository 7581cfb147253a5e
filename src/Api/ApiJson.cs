using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>The one description of all records for System.Text.Json, made at build time: camelCase names, enums as camelCase strings, nulls left out.</summary>
/// <remarks>
/// A member with a default of its own has <c>set</c>, all others <c>init</c>: the generated reader gives an absent <c>init</c> member
/// <c>default(T)</c> and not its initialiser, so that a record written before the member existed would be read with null or 0.
/// </remarks>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Vm))]
[JsonSerializable(typeof(Page<Vm>))]
[JsonSerializable(typeof(VmCreate))]
[JsonSerializable(typeof(VmUpdate))]
[JsonSerializable(typeof(VmStopRequest))]
[JsonSerializable(typeof(VmShutdownRequest))]
[JsonSerializable(typeof(VmExecRequest))]
[JsonSerializable(typeof(VmExecResult))]
[JsonSerializable(typeof(CloudInitSecret))]
[JsonSerializable(typeof(Disk))]
[JsonSerializable(typeof(Page<Disk>))]
[JsonSerializable(typeof(Image))]
[JsonSerializable(typeof(Page<Image>))]
[JsonSerializable(typeof(ImageCreate))]
[JsonSerializable(typeof(Iso))]
[JsonSerializable(typeof(Page<Iso>))]
[JsonSerializable(typeof(IsoCreate))]
[JsonSerializable(typeof(Upload))]
[JsonSerializable(typeof(Page<Upload>))]
[JsonSerializable(typeof(UploadCreate))]
[JsonSerializable(typeof(Pool))]
[JsonSerializable(typeof(Page<Pool>))]
[JsonSerializable(typeof(Network))]
[JsonSerializable(typeof(Page<Network>))]
[JsonSerializable(typeof(Host))]
[JsonSerializable(typeof(Page<Host>))]
[JsonSerializable(typeof(Operation))]
[JsonSerializable(typeof(Page<Operation>))]
[JsonSerializable(typeof(Event))]
[JsonSerializable(typeof(Page<Event>))]
[JsonSerializable(typeof(AuditEntry))]
[JsonSerializable(typeof(Page<AuditEntry>))]
[JsonSerializable(typeof(User))]
[JsonSerializable(typeof(Page<User>))]
[JsonSerializable(typeof(UserRecord))]
[JsonSerializable(typeof(SessionCreate))]
[JsonSerializable(typeof(SessionCreated))]
[JsonSerializable(typeof(SessionRecord))]
[JsonSerializable(typeof(ApiToken))]
[JsonSerializable(typeof(Page<ApiToken>))]
[JsonSerializable(typeof(TokenCreate))]
[JsonSerializable(typeof(TokenCreated))]
[JsonSerializable(typeof(TokenRecord))]
[JsonSerializable(typeof(RoleBinding))]
[JsonSerializable(typeof(WhoAmI))]
[JsonSerializable(typeof(Project))]
[JsonSerializable(typeof(Page<Project>))]
[JsonSerializable(typeof(ProjectSpec))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(DoctorReport))]
[JsonSerializable(typeof(ServerInformation))]
public sealed partial class ApiJson : JsonSerializerContext;
