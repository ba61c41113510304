// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mock's part for address spaces of processes: how they end, what is flushed
 * of them, and page requests.
 */
#include <linux/mm_types.h>
#include "mock-iommu.h"

static struct iommu_domain *mock_alloc_sva(struct device *dev,
					   struct mm_struct *mm)
{
	struct mock_iommu *m = to_mock_dev(dev)->m;

	return mock_alloc(m, &m->sva_ops);
}

/* As real drivers, the mock writes a table and waits for nobody. */
static void mock_block_dev_pasid(struct iommu_domain *domain,
				 struct device *dev, ioasid_t pasid)
{
	struct mock_dev *md = to_mock_dev(dev);
	struct mock_iommu *m = md->m;

	mock_strike(m, MOCK_BLOCK_PASID, md, domain);
	mock_note(m, " d%d.%u#%s", md->index, pasid,
		  mock_domain_name(m, domain));
	if (md->hw[pasid] != domain)
		KUNIT_FAIL(m->test, "T10: d%d.%u is blocked, but has %s, not %s",
			   md->index, pasid,
			   mock_domain_name(m, md->hw[pasid]),
			   mock_domain_name(m, domain));
	WRITE_ONCE(md->hw[pasid], &m->blocked);
	if (m->on_call)
		m->on_call(m, MOCK_BLOCK_PASID, md, pasid);
}

static void mock_flush_mm(struct iommu_domain *domain, unsigned long start,
			  unsigned long end)
{
	struct mock_iommu *m = to_mock_domain(domain)->m;

	mock_strike(m, MOCK_FLUSH_MM, NULL, domain);
	mock_note(m, " %s[%lx,%lx)", mock_domain_name(m, domain), start, end);
	if (mock_freed(domain))
		KUNIT_FAIL(m->test, "freed address space %s is flushed",
			   mock_domain_name(m, domain));
	if (m->on_call)
		m->on_call(m, MOCK_FLUSH_MM, NULL, IOMMU_NO_PASID);
}

static void mock_page_response(struct device *dev, struct iopf_fault *evt,
			       struct iommu_page_response *response)
{
	struct mock_dev *md = to_mock_dev(dev);

	spin_lock(&md->m->lock);
	md->answer = response->code;
	md->answers++;
	spin_unlock(&md->m->lock);
}

static int mock_enable_feature(struct device *dev,
			       enum iommu_dev_features feature)
{
	struct mock_iommu *m = to_mock_dev(dev)->m;

	if (feature != IOMMU_DEV_FEAT_IOPF)
		return 0;
	if (!m->iopf)
		m->iopf = iopf_queue_alloc("mock");
	return m->iopf ? iopf_queue_add_device(m->iopf, dev) : -ENOMEM;
}

static int mock_disable_feature(struct device *dev,
				enum iommu_dev_features feature)
{
	if (feature == IOMMU_DEV_FEAT_IOPF)
		mock_sva_unplug(to_mock_dev(dev));
	return 0;
}

int mock_request_page(struct mock_dev *md, ioasid_t pasid, u64 addr, u32 perm)
{
	struct iopf_fault fault = {
		.fault.type = IOMMU_FAULT_PAGE_REQ,
		.fault.prm = {
			.flags = IOMMU_FAULT_PAGE_REQUEST_PASID_VALID |
				 IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE,
			.pasid = pasid,
			.perm = perm,
			.addr = addr,
		},
	};
	unsigned int answers = md->answers;

	/* Its error says that it has been answered at once. */
	iommu_report_device_fault(&md->dev, &fault);
	iopf_queue_flush_dev(&md->dev);
	return md->answers == answers + 1 ? md->answer : -EPROTO;
}

void mock_sva_unplug(struct mock_dev *md)
{
	if (md->m->iopf && rcu_access_pointer(md->dev.iommu->fault_param))
		iopf_queue_remove_device(md->m->iopf, &md->dev);
}

void mock_sva_init(struct mock_iommu *m)
{
	m->sva_ops.block_dev_pasid = mock_block_dev_pasid;
	m->sva_ops.flush_mm = mock_flush_mm;
	m->ops.domain_alloc_sva = mock_alloc_sva;
	m->ops.dev_enable_feat = mock_enable_feature;
	m->ops.dev_disable_feat = mock_disable_feature;
	m->ops.page_response = mock_page_response;
}

void mock_sva_end(struct mock_iommu *m)
{
	iopf_queue_free(m->iopf);
}
