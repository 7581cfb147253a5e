using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Projects;

/// <summary>The project <c>default</c> always exists.</summary>
internal static class DefaultProject
{
    /// <summary>Makes it when it is not there; somebody else having made it meanwhile is as good.</summary>
    public static async Task EnsureAsync(IStore store, CacheSnapshot snapshot, TimeProvider time, CancellationToken cancellationToken)
    {
        if (snapshot.Get(Keys.Projects, ProjectRecord.DefaultProject) is not null) return;
        await new StoreChange("project.create")
            .Create(Keys.Projects, ProjectRecord.DefaultProject, new ProjectSpec { Name = ProjectRecord.DefaultProject })
            .CommitAsync(store, time, cancellationToken);
    }
}
