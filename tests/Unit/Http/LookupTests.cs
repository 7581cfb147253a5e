using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Xunit;

namespace Lamina.Tests.Unit.Http;

public sealed class LookupTests
{
    [Fact]
    public async Task ByNameOrIdButOnlyFromWithinItsProject()
    {
        await using var world = await HttpWorld.StartAsync();
        await AddAsync(world, "1", "blue", "debian/12");
        await AddAsync(world, "2", "red", "debian/12");
        var now = world.Cache.Snapshot;
        Assert.Equal("1", now.Find(Keys.Images.Spec, "image", "blue", "debian/12").Id);
        Assert.Equal("2", now.Find(Keys.Images.Spec, "image", "red", "debian/12").Id);
        Assert.Equal("1", now.Find(Keys.Images.Spec, "image", "blue", "1").Id);
        Assert.Null(now.TryFind(Keys.Images.Spec, "image", "blue", "2"));
        Assert.Null(now.TryFind(Keys.Images.Spec, "vm", "blue", "debian/12"));
        var missing = Assert.Throws<ProblemException>(() => now.Find(Keys.Images.Spec, "image", "blue", "2"));
        Assert.Equal((ProblemKind.NotFound, "image.notFound"), (missing.Kind, missing.Code));
    }

    [Fact]
    public async Task WhatBelongsToNoProjectIsFoundByNameOrId()
    {
        await using var world = await HttpWorld.StartAsync();
        await world.CommitAsync(new StoreChange("test")
            .Create(Keys.Pools.Spec, "7", new PoolSpec { Name = "fast", Path = "/p" })
            .Create(Keys.Names, Keys.NameId(Lookup.Installation, "pool", "fast"), new Claim { Owner = "7" }));
        var now = world.Cache.Snapshot;
        Assert.Equal("7", now.FindInstalled(Keys.Pools.Spec, "pool", "fast").Id);
        Assert.Equal("7", now.FindInstalled(Keys.Pools.Spec, "pool", "7").Id);
        Assert.Equal("pool.notFound", Assert.Throws<ProblemException>(() => now.FindInstalled(Keys.Pools.Spec, "pool", "slow")).Code);
    }

    private static Task<long> AddAsync(HttpWorld world, string id, string project, string name) => world.CommitAsync(new StoreChange("test")
        .Create(Keys.Images.Spec, id, new ImageSpec { Name = name, Project = project, Pool = "7", Origin = ImageOrigin.Upload })
        .Create(Keys.Names, Keys.NameId(project, "image", name), new Claim { Owner = id }));
}
