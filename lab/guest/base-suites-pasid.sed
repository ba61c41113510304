# Drops from the base's iommufd.c what the base's own mock driver does not have: the
# second device, the one with PASIDs, and what it reports.
/^	if (variant->pasid_capable)$/,/;$/d
/^		if (variant->pasid_capable) {$/,/^		}$/d
